"use strict";
// Before anything is drawn, so that nobody who chose the dark theme is shown a white page first.
const chosen = localStorage.getItem("theme");
if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
