// Proves that the judge can fail: one exchange that is right, and the same with one mistake each.

const UUID = "0cfc0a7b-59a7-4bcf-9e6c-5f6d1c7c3b11"
const OTHER = "8d8ab4a4-95c1-4bd5-a6ad-0d5b5d0bb8d2"
const USER = { object: "user", id: UUID }
const TIME = "2026-11-22T10:00:00.000Z"

function exchange() {
  return {
    method: "PATCH",
    path: `/v1/pages/${UUID}`,
    query: [["filter_properties", "title"]],
    body: { properties: { Estimate: { number: 1 }, Name: { title: [{ text: { content: "x" } }] } } },
    status: 200,
    fault: null,
    response: {
      object: "page",
      id: UUID,
      created_time: TIME,
      last_edited_time: TIME,
      created_by: { ...USER },
      last_edited_by: { ...USER },
      cover: null,
      icon: null,
      parent: { type: "data_source_id", data_source_id: UUID, database_id: OTHER },
      in_trash: false,
      is_archived: false,
      is_locked: false,
      properties: { Estimate: { id: "abcd", type: "number", number: 1 } },
      url: "https://app.notion.com/p/x",
      public_url: null,
      request_id: OTHER,
    },
  }
}

function refusal() {
  const response = { object: "error", status: 404, code: "object_not_found", message: "?", request_id: OTHER }
  return { ...exchange(), status: 404, response }
}

const emoji = "😀"

/** name: [who is at fault, what to spoil] */
const mistakes = {
  "a body key that Notion does not take": ["request", (e) => (e.body.propertys = {})],
  "a value of another type": ["request", (e) => (e.body.properties.Estimate.number = "1")],
  "a property type that nobody can write": ["request", (e) => (e.body.properties.Made = { created_time: TIME })],
  "archived under 2026-03-11": ["request", (e) => (e.body.archived = true)],
  "a text of 2,002 UTF-16 units": ["request", (e) => (e.body.properties.Name.title[0].text.content = emoji.repeat(1001))],
  "101 elements": ["request", (e) => (e.body.properties.Tags = { multi_select: Array(101).fill({ name: "a" }) })],
  "an unknown query parameter": ["request", (e) => e.query.push(["filter", "x"])],
  "an id that is none": ["request", (e) => (e.path = "/v1/pages/nothing")],
  "an endpoint that does not exist": ["request", (e) => (e.path = `/v1/databases/${UUID}/query`)],
  "a missing key": ["answer", (e) => delete e.response.is_locked],
  "an unknown key": ["answer", (e) => (e.response.extra = 1)],
  "a bare object": ["answer", (e) => (e.response = { object: "page", id: UUID, request_id: OTHER })],
  "archived in an answer under 2026-03-11": ["answer", (e) => (e.response.archived = false)],
  "a time with seconds": ["answer", (e) => (e.response.last_edited_time = "2026-11-22T10:00:01.000Z")],
  "an id without dashes": ["answer", (e) => (e.response.id = UUID.replaceAll("-", ""))],
  "a property value of another type": ["answer", (e) => (e.response.properties.Estimate.number = "1")],
  "no request_id": ["answer", (e) => delete e.response.request_id],
  "no JSON": ["answer", (e) => (e.response = null)],
}
const wrongRefusals = {
  "a code of another status": ["answer", (e) => (e.response.code = "validation_error")],
  "an unknown code": ["answer", (e) => (e.response.code = "nope")],
  "a status in the body that is not the real one": ["answer", (e) => (e.status = 400)],
}

/** [name, null or what is wrong with the judge] for each case. */
export function selftest(judge) {
  const right = (make) => {
    const { request, answer } = judge.judge(make())
    const problems = [...request, ...answer]
    return problems.length ? problems.join("; ") : null
  }
  const wrong = (make, [who, spoil]) => {
    const spoilt = make()
    spoil(spoilt)
    const found = judge.judge(spoilt)
    // An endpoint that does not exist has no answer to judge either.
    return found[who].length > 0 ? null : `the ${who} passed`
  }
  return [
    ["a right exchange passes", right(exchange)],
    ["a right refusal passes", right(refusal)],
    ...Object.entries(mistakes).map(([name, mistake]) => [`${name} is found`, wrong(exchange, mistake)]),
    ...Object.entries(wrongRefusals).map(([name, mistake]) => [`${name} is found`, wrong(refusal, mistake)]),
  ]
}
