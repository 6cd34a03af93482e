// JSON Schemas made from the official client's TypeScript declarations.

import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { createGenerator } from "ts-json-schema-generator"

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const made = here("made/schemas.json")

/** Every type of the official client as a JSON Schema definition, by name. Kept until a dependency changes. */
export function officialDefinitions() {
  const stamp = createHash("sha256").update(readFileSync(here("package-lock.json"))).digest("hex")
  const kept = existsSync(made) ? JSON.parse(readFileSync(made, "utf8")) : null
  if (kept?.stamp === stamp) return kept.definitions
  const { definitions } = createGenerator({
    path: here("node_modules/@notionhq/client/build/src/api-endpoints/*.d.ts"),
    // The declarations were checked by those who published them; a check would want the types of Node.
    skipTypeCheck: true,
    expose: "all",
    // A key that the types do not have is a mistake, in a request and in an answer.
    additionalProperties: false,
  }).createSchema("*")
  mkdirSync(here("made"), { recursive: true })
  writeFileSync(made, JSON.stringify({ stamp, definitions }))
  return definitions
}
