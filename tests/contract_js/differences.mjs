// Where Notion's wire and the official types are known to differ, each with its reason.
//
// Nothing else is overlooked. Each entry changes the schemas for one API version and must find what it changes:
// when a new release of the client makes one superfluous, the run fails and says so.
//
// Not here, because it is the same everywhere and checked in judge.mjs: every answer carries a `request_id`,
// which the types leave out.

const DASHED = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
const ANY_UUID = "^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$"
const MINUTE = "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:00\\.000Z$"
const MILLISECOND = "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}(Z|\\+00:00)$"

const LOOSER = "the types are looser than the wire"
const STRICTER = "the types are stricter than the wire"

export const differences = [
  {
    name: "archived is gone since 2026-03-11",
    kind: STRICTER,
    reason: "The types require it in every answer and allow it in requests, but say themselves that it is there for "
      + "versions before 2026-03-11; the upgrade guide removes it from both. It is refused here under that version.",
    applies: (version) => version >= "2026-03-11",
    change: (definitions) => eachObject(definitions, (object) => {
      if (!("archived" in object.properties)) return 0
      delete object.properties.archived
      if (object.required) object.required = object.required.filter((key) => key !== "archived")
      return 1
    }),
  },
  {
    name: "relation values say has_more",
    kind: STRICTER,
    reason: "Documented under page property values: beside `relation` stands `has_more`, true when there are more than "
      + "the 25 references shown. The type has no such key.",
    applies: () => true,
    change: (definitions) => eachObject(definitions.PagePropertyValueWithIdResponse, (object) => {
      if (object.properties.type?.const !== "relation") return 0
      object.properties.has_more = { type: "boolean" }
      object.required.push("has_more")
      return 1
    }),
  },
  {
    name: "schemas may have properties of any type",
    kind: STRICTER,
    reason: "The types name place, button, verification and last_visited_time elsewhere (in the values of pages, or "
      + "in what a request may ask for), but leave them out of the schemas that come back.",
    applies: () => true,
    change: ({ DatabasePropertyConfigResponse: { anyOf } }) => {
      const types = ["place", "button", "verification", "last_visited_time"]
      return Math.min(...types.map((type) => addType(anyOf, type, (email) => email)))
    },
  },
  {
    name: "a page has a value for each property of its schema",
    kind: STRICTER,
    reason: "Documented for every type. What the value of a last_visited_time is stands nowhere; the sandbox says null.",
    applies: () => true,
    change: ({ PagePropertyValueWithIdResponse: { anyOf } }) => addType(anyOf, "last_visited_time", () => ({ type: "null" })),
  },
  {
    name: "answers are whole objects",
    kind: LOOSER,
    reason: "The types also allow a bare {object, id}, which Notion sends to tokens without the capability to read. "
      + "With it, a page that lacks a key would pass as no page at all.",
    applies: () => true,
    change: (definitions) => eachUnion(definitions, (branches) => {
      const partial = /^#\/definitions\/Partial(Page|DataSource|Database|Block)ObjectResponse$/
      const whole = branches.filter((branch) => !partial.test(branch.$ref ?? ""))
      return whole.length === 0 ? null : whole
    }),
  },
  {
    name: "ids are UUIDs",
    kind: LOOSER,
    reason: "The types say string. Notion accepts ids with and without dashes and always answers with dashes, in "
      + "lower case.",
    applies: () => true,
    change: (definitions) => {
      definitions.IdResponse.pattern = DASHED
      definitions.IdRequest.pattern = ANY_UUID
      return 2
    },
  },
  {
    name: "times are whole minutes",
    kind: LOOSER,
    reason: "The types say string. created_time and last_edited_time of pages, data sources and blocks are rounded "
      + "down to the minute; those of databases have milliseconds.",
    applies: () => true,
    change: (definitions) => eachObject(definitions, (object, name) => {
      if (!/(Page|DataSource|Database|Block)ObjectResponse$/.test(name)) return 0
      const times = ["created_time", "last_edited_time"].filter((key) => object.properties[key]?.type === "string")
      const pattern = name === "DatabaseObjectResponse" ? MILLISECOND : MINUTE
      for (const key of times) object.properties[key] = { type: "string", pattern }
      return times.length
    }),
  },
  {
    name: "size limits of requests",
    kind: LOOSER,
    reason: "The types have no lengths. Documented: 100 elements in an array of a property value, 100 conditions in a "
      + "filter, 100 results per page, 2,000 UTF-16 units in a text.",
    applies: () => true,
    change: (definitions) => {
      let changed = 0
      for (const name of ["CreatePageBodyParameters", "UpdatePageBodyParameters"]) {
        // Before the properties, which a reference leads to, `children` are a body of their own kind.
        const values = definitions[name].properties.properties.$ref.replace("#/definitions/", "")
        changed += eachArray(definitions[decodeURIComponent(values)], (array) => (array.maxItems = 100))
      }
      definitions.GroupFilterOperatorArray.maxItems = 100
      definitions.TextRequest.maxUtf16 = 2000
      changed += eachObject(definitions.RichTextItemRequest, (object) => {
        if (object.properties.content?.type !== "string") return 0
        object.properties.content.maxUtf16 = 2000
        return 1
      })
      return changed + eachObject(definitions, (object) => {
        if (object.properties.page_size?.type !== "number") return 0
        object.properties.page_size = { type: "integer", minimum: 1, maximum: 100 }
        return 1
      })
    },
  },
]

/** The definitions as they are on the wire of one API version. Throws when a difference has become superfluous. */
export function onTheWire(official, version) {
  const definitions = structuredClone(official)
  for (const difference of differences.filter(({ applies }) => applies(version))) {
    if (difference.change(definitions) === 0) {
      throw new Error(`The official types changed: "${difference.name}" in differences.mjs finds nothing to change.`)
    }
  }
  return definitions
}

/** Adds a branch for `type`, made from that of email. Returns 0 when there is one by now. */
function addType(branches, type, value) {
  if (branches.some(({ properties }) => properties.type.const === type)) return 0
  const { email, ...common } = branches.find(({ properties }) => properties.type.const === "email").properties
  const properties = { ...common, type: { const: type }, [type]: value(email) }
  branches.push({ type: "object", properties, required: Object.keys(properties), additionalProperties: false })
  return 1
}

/** Calls `visit(node, name of the definition)` for every schema node; returns the sum of what it returns. */
function walk(node, visit, name = "") {
  if (node === null || typeof node !== "object") return 0
  let sum = visit(node, name)
  for (const [key, child] of Object.entries(node)) sum += walk(child, visit, name || (Array.isArray(node) ? "" : key))
  return sum
}

function eachObject(root, change) {
  return walk(root, (node, name) => (isObjectSchema(node) ? change(node, name) : 0))
}

function isObjectSchema(node) {
  return node.type === "object" && typeof node.properties === "object"
}

function eachArray(root, change) {
  return walk(root, (node) => (node.type === "array" && node.items ? (change(node), 1) : 0))
}

/** `change(branches)` returns those to keep, or null for a union that stays as it is. */
function eachUnion(root, change) {
  return walk(root, (node) => {
    const kept = Array.isArray(node.anyOf) ? change(node.anyOf) : null
    if (kept === null || kept.length === node.anyOf.length) return 0
    node.anyOf = kept
    return 1
  })
}
