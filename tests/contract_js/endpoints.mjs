// Notion's endpoints as the official client declares them: method, path, and the names of the types.
//
// The declarations carry the names: `getPage` goes with GetPagePathParameters, GetPageQueryParameters,
// GetPageBodyParameters and GetPageResponse. So there is no list of ours that could be behind.

import * as declared from "@notionhq/client/build/src/api-endpoints.js"

const endpoints = Object.entries(declared)
  .filter(([, value]) => typeof value?.path === "function")
  .map(([name, value]) => {
    const placeholders = Object.fromEntries(value.pathParams.map((param) => [param, `{${param}}`]))
    const path = value.path(placeholders)
    const type = name[0].toUpperCase() + name.slice(1)
    return { name, type, method: value.method.toUpperCase(), path, pattern: pattern(path), params: value.pathParams }
  })
  // users/me before users/{user_id}
  .sort((one, other) => one.params.length - other.params.length)

function pattern(path) {
  const source = path
    .split("/")
    .map((part) => (part.startsWith("{") ? `(?<${part.slice(1, -1)}>[^/]+)` : part))
    .join("/")
  return new RegExp(`^/v1/${source}$`)
}

/** The endpoint of a request and its decoded path parameters, or null when Notion has none such. */
export function findEndpoint(method, path) {
  for (const endpoint of endpoints) {
    const match = endpoint.method === method ? endpoint.pattern.exec(path) : null
    if (match) {
      const params = Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)])
      return { endpoint, params: Object.fromEntries(params) }
    }
  }
  return null
}
