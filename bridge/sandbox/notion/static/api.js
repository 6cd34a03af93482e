// Talking to the sandbox: what there is, what a person does, and word of changes.

export const PERSON = "You";

async function call(path, options) {
  const answer = await fetch("/_sandbox/" + path, options);
  const parsed = await answer.json();
  if (!answer.ok) throw new Error(parsed.error);
  return parsed;
}

export function read(path, query = {}) {
  return call(path + "?" + new URLSearchParams(query));
}

export async function act(what, args) {
  const body = JSON.stringify({ as: PERSON, do: what, args });
  const answer = await call("person", { method: "POST", headers: { "content-type": "application/json" }, body });
  return answer.result;
}

// Calls `changed` whenever something may look different, and `lost` while the sandbox does not answer.
// A page that nobody sees lets go: a browser has few connections to one place, and tabs share them.
export function listen(changed, lost) {
  let stream = null;

  function open() {
    if (stream || document.hidden) return;
    stream = new EventSource("/_sandbox/changes");
    stream.addEventListener("message", changed);
    stream.addEventListener("error", () => {
      lost();
      // The browser gives up on an answer that is not a stream, as from another program on that port.
      if (stream && stream.readyState === EventSource.CLOSED) {
        close();
        setTimeout(open, 3000);
      }
    });
  }

  function close() {
    if (stream) stream.close();
    stream = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  // Firefox tells of a cut stream when the page is left, which is no news.
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}
