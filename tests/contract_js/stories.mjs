// The official JavaScript client, unchanged, against the sandbox: what a user of it would do with a table.
//
// Each story gets an empty workspace, a client of one API version and the sandbox's control interface, and must hold
// in every version it is told in. What goes over the wire meanwhile is judged like the bridge's own traffic.

import { APIResponseError, collectAllDataSourceRows, collectPaginatedAPI } from "@notionhq/client"
import assert from "node:assert/strict"

export const VERSIONS = ["2025-09-03", "2026-03-11"]

const EVERY_TYPE = {
  Name: { title: {} },
  Notes: { rich_text: {} },
  Estimate: { number: { format: "euro" } },
  Done: { checkbox: {} },
  Priority: { select: { options: [{ name: "High", color: "red" }, { name: "Low" }] } },
  Tags: { multi_select: { options: [] } },
  State: { status: {} },
  Due: { date: {} },
  Owner: { people: {} },
  Link: { url: {} },
  Mail: { email: {} },
  Phone: { phone_number: {} },
  Papers: { files: {} },
  Where: { place: {} },
  Made: { created_time: {} },
  Changed: { last_edited_time: {} },
  Maker: { created_by: {} },
  Changer: { last_edited_by: {} },
  Ticket: { unique_id: { prefix: "T" } },
  Double: { formula: { expression: 'prop("Estimate") * 2' } },
}

const text = (content) => [{ text: { content } }]

async function makeTable({ client, root }, properties) {
  const database = await client.databases.create({
    parent: { type: "page_id", page_id: root },
    title: text("Tasks"),
    initial_data_source: { properties },
  })
  return database.data_sources[0].id
}

function addRow({ client }, source, properties) {
  return client.pages.create({ parent: { data_source_id: source }, properties })
}

export const stories = {
  async "a row through its whole life"(scene) {
    const { client } = scene
    const source = await makeTable(scene, EVERY_TYPE)
    const page = await addRow(scene, source, { Name: { title: text("Launch") }, Estimate: { number: 8.5 } })
    const page_id = page.id
    assert.equal((await client.pages.retrieve({ page_id })).properties.Estimate.number, 8.5)
    await client.pages.update({ page_id, properties: { Estimate: { number: 9 } } })
    const filter = { property: "Estimate", number: { equals: 9 } }
    const found = await client.dataSources.query({ data_source_id: source, filter })
    assert.deepEqual(found.results.map(({ id }) => id), [page_id])
    assert.equal((await client.pages.update({ page_id, in_trash: true })).in_trash, true)
    assert.deepEqual((await client.dataSources.query({ data_source_id: source })).results, [])
    await assert.rejects(client.pages.update({ page_id, properties: { Estimate: { number: 1 } } }), (error) => {
      return APIResponseError.isAPIResponseError(error) && /unarchive the block before editing/.test(error.message)
    })
    assert.equal((await client.pages.update({ page_id, in_trash: false })).in_trash, false)
  },

  async "every type is written, read back and emptied"(scene) {
    const { client } = scene
    const me = await client.users.me({})
    const source = await makeTable(scene, EVERY_TYPE)
    const written = {
      Name: { title: text("all") },
      Notes: {
        rich_text: [
          { text: { content: "part 1, " } },
          { text: { content: "part 2", link: { url: "https://example.com" } }, annotations: { bold: true } },
          { mention: { user: { id: me.id } } },
          { mention: { page: { id: scene.root } } },
          { mention: { date: { start: "2026-12-24" } } },
          { equation: { expression: "e=mc^2" } },
        ],
      },
      Estimate: { number: -0.25 },
      Done: { checkbox: true },
      Priority: { select: { name: "High" } },
      Tags: { multi_select: [{ name: "a" }, { name: "b" }] },
      State: { status: { name: "Done" } },
      Due: { date: { start: "2026-09-15T09:00:00", end: null, time_zone: "America/Los_Angeles" } },
      Owner: { people: [{ id: me.id }] },
      Link: { url: "https://example.com" },
      Mail: { email: "a@example.com" },
      Phone: { phone_number: "+1 415 555 0123" },
      Papers: { files: [{ name: "b.pdf", type: "external", external: { url: "https://example.com/b.pdf" } }] },
      Where: { place: { lat: 48.1, lon: 11.6 } },
    }
    const page = await addRow(scene, source, written)
    assert.equal(page.properties.Double.formula.number, -0.5)
    assert.equal(page.properties.Ticket.unique_id.prefix, "T")
    assert.deepEqual(page.properties.Tags.multi_select.map(({ name }) => name), ["a", "b"])
    for (const { id, type } of Object.values(page.properties)) {
      const item = await client.pages.properties.retrieve({ page_id: page.id, property_id: id })
      assert.equal(item.object === "list" ? item.property_item.type : item.type, type)
    }
    const empty = { Name: [], Notes: [], Tags: [], Owner: [], Papers: [], Done: false }
    const emptied = Object.entries(written).map(([name, value]) => [name, { [Object.keys(value)[0]]: empty[name] ?? null }])
    const after = await client.pages.update({ page_id: page.id, properties: Object.fromEntries(emptied) })
    assert.deepEqual(after.properties.Notes.rich_text, [])
    assert.equal(after.properties.Estimate.number, null)
  },

  async "long values are listed item by item"(scene) {
    const { client } = scene
    const projects = await makeTable(scene, { Name: { title: {} }, Cost: { number: {} } })
    const relation = { relation: { data_source_id: projects, type: "dual_property", dual_property: {} } }
    const source = await makeTable(scene, { Name: { title: {} }, Projects: relation })
    const rolled = { relation_property_name: "Projects", rollup_property_name: "Cost", function: "sum" }
    const originals = { ...rolled, rollup_property_name: "Name", function: "show_original" }
    const properties = { Total: { rollup: rolled }, Names: { rollup: originals } }
    await client.dataSources.update({ data_source_id: source, properties })
    const ids = []
    for (let number = 1; number <= 30; number++) {
      const properties = { Name: { title: text(`project ${number}`) }, Cost: { number } }
      ids.push((await addRow(scene, projects, properties)).id)
    }
    const row = await addRow(scene, source, { Projects: { relation: ids.map((id) => ({ id })) } })
    assert.equal(row.properties.Projects.relation.length, 25)
    assert.equal(row.properties.Projects.has_more, true)
    const list = (args) => client.pages.properties.retrieve({ page_id: row.id, ...args })
    const items = await collectPaginatedAPI(list, { property_id: row.properties.Projects.id, page_size: 10 })
    assert.deepEqual(items.map((item) => item.relation.id), ids)
    const total = await list({ property_id: row.properties.Total.id })
    assert.equal(total.property_item.rollup.number, 465)
    assert.equal((await list({ property_id: row.properties.Names.id })).property_item.rollup.type, "array")
  },

  async "paging finds every row once, and the helper gets past the cap"(scene) {
    const { client, control } = scene
    await control("POST", "clock", { offset_s: -3600 })
    const source = await makeTable(scene, { Name: { title: {} } })
    const made = new Set()
    for (let minute = 60; minute > 0; minute -= 20) {
      await control("POST", "clock", { offset_s: -60 * minute })
      for (let number = 0; number < 60; number++) made.add((await addRow(scene, source, {})).id)
    }
    const paged = await collectPaginatedAPI(client.dataSources.query, { data_source_id: source, page_size: 50 })
    assert.equal(paged.length, 180)
    assert.deepEqual(new Set(paged.map(({ id }) => id)), made)
    await control("PATCH", "options", { query_result_limit: 100 })
    const capped = await client.dataSources.query({ data_source_id: source })
    assert.deepEqual(capped.request_status, { type: "incomplete", incomplete_reason: "query_result_limit_reached" })
    const all = await collectAllDataSourceRows(client, { data_source_id: source })
    assert.deepEqual(new Set(all.map(({ id }) => id)), made)
    await control("PATCH", "options", { query_result_limit: 10_000 })
    await control("POST", "clock", { offset_s: 0 })
  },

  async "databases and data sources are made and changed"(scene) {
    const { client, root } = scene
    const parent = { type: "page_id", page_id: root }
    const database = await client.databases.create({ parent, title: text("Orders") })
    const data_source_id = database.data_sources[0].id
    const properties = { Total: { number: { format: "euro" } }, Stage: { select: { options: [{ name: "new" }] } } }
    await client.dataSources.update({ data_source_id, properties })
    const change = { Total: { name: "Sum" }, Stage: null, Paid: { checkbox: {} } }
    const changed = await client.dataSources.update({ data_source_id, properties: change, title: text("All orders") })
    assert.deepEqual(Object.keys(changed.properties).sort(), ["Name", "Paid", "Sum"])
    const second = await client.dataSources.create({
      parent: { type: "database_id", database_id: database.id },
      properties: { Name: { title: {} } },
    })
    const { data_sources } = await client.databases.retrieve({ database_id: database.id })
    assert.deepEqual(data_sources.map(({ id }) => id), [data_source_id, second.id])
    assert.deepEqual((await client.dataSources.listTemplates({ data_source_id })).templates, [])
    const moved = await addRow(scene, data_source_id, {})
    const to = { type: "data_source_id", data_source_id: second.id }
    assert.equal((await client.pages.move({ page_id: moved.id, parent: to })).parent.data_source_id, second.id)
    const update = { database_id: database.id, title: text("Old orders"), in_trash: true }
    assert.equal((await client.databases.update(update)).in_trash, true)
  },

  async "users, search and bodies"(scene) {
    const { client } = scene
    const source = await makeTable(scene, { Name: { title: {} } })
    const page = await addRow(scene, source, { Name: { title: text("Launch the rocket") } })
    const me = await client.users.me({})
    assert.equal(me.type, "bot")
    const everybody = await collectPaginatedAPI(client.users.list, { page_size: 1 })
    assert.ok(everybody.some(({ id }) => id === me.id))
    assert.equal((await client.users.retrieve({ user_id: me.id })).id, me.id)
    const search = async (args) => (await client.search(args)).results.map(({ id }) => id)
    assert.deepEqual(await search({ query: "rocket", filter: { property: "object", value: "page" } }), [page.id])
    const sort = { timestamp: "last_edited_time", direction: "descending" }
    assert.deepEqual(await search({ filter: { property: "object", value: "data_source" }, sort }), [source])
    const paragraph = { paragraph: { rich_text: text("A body.") } }
    await client.blocks.children.append({ block_id: page.id, children: [paragraph] })
    const [block] = (await client.blocks.children.list({ block_id: page.id })).results
    assert.equal(block.paragraph.rich_text[0].plain_text, "A body.")
    assert.equal((await client.blocks.retrieve({ block_id: block.id })).type, "paragraph")
    assert.equal((await client.blocks.delete({ block_id: page.id })).in_trash, true)
    assert.deepEqual(await search({ filter: { in_trash: true } }), [page.id])
  },

  async "refusals have the type that the client expects"(scene) {
    const { client, control } = scene
    const source = await makeTable(scene, EVERY_TYPE)
    const refused = (promise, code) => assert.rejects(promise, (error) => {
      return APIResponseError.isAPIResponseError(error) && error.code === code
    })
    await refused(client.pages.retrieve({ page_id: source }), "object_not_found")
    await refused(addRow(scene, source, { Priority: { select: { name: "a, b" } } }), "validation_error")
    await refused(addRow(scene, source, { State: { status: { name: "unheard of" } } }), "validation_error")
    const cursor = { data_source_id: source, start_cursor: "bogus" }
    await refused(client.dataSources.query(cursor), "validation_error")
    await refused(client.users.me({ auth: "ntn_unknown" }), "unauthorized")
    await control("POST", "tokens", { token: "ntn_reader", capabilities: ["read"] })
    const parent = { data_source_id: source }
    await refused(client.pages.create({ auth: "ntn_reader", parent, properties: {} }), "restricted_resource")
    const fault = { headers: { "Retry-After": "0" }, additional_data: { rate_limit_reason: "public_api_request_rate_limit" } }
    await control("POST", "faults", { status: 429, name: "fail 429", ...fault })
    assert.equal((await client.dataSources.retrieve({ data_source_id: source })).id, source)
  },
}
