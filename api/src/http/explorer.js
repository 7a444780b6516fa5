"use strict";
// The token lives in this page alone, and is gone when the page is.
let token = null;
const at = (id) => document.getElementById(id);

async function ask(query, variables) {
  const headers = { "Content-Type": "application/json", "Accept-Language": navigator.language };
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch("/graphql", { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  return response.json();
}

// Answers hold what people typed: shown as text, never as HTML.
const show = (value) => { at("answer").textContent = typeof value === "string" ? value : JSON.stringify(value, null, 2); };

at("door").addEventListener("submit", async (event) => {
  event.preventDefault();
  token = null;
  const input = { userName: at("name").value, password: at("password").value, code: at("code").value || null };
  const answer = await ask("mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }", { input });
  token = answer.data?.signIn?.accessToken ?? null;
  at("who").textContent = token ? "✓" : (answer.errors ?? []).map((error) => error.message).join(" ");
  if (token) at("password").value = "";
});

const send = async () => {
  try {
    show(await ask(at("query").value, JSON.parse(at("variables").value || "{}")));
  } catch (error) {
    show(String(error));
  }
};
at("ask").addEventListener("click", send);
document.addEventListener("keydown", (event) => { if (event.ctrlKey && event.key === "Enter") send(); });
at("schema").addEventListener("click", async () => {
  const fields = "fields { name description args { name type { ...T } } type { ...T } } inputFields { name description type { ...T } } enumValues { name description }";
  const answer = await ask(`{ __schema { types { kind name description ${fields} } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`, {});
  const type = (t) => t.kind === "NON_NULL" ? `${type(t.ofType)}!` : t.kind === "LIST" ? `[${type(t.ofType)}]` : t.name;
  const line = (field) => `  ${field.name}${field.args?.length ? `(${field.args.map((arg) => `${arg.name}: ${type(arg.type)}`).join(", ")})` : ""}` +
    `${field.type ? `: ${type(field.type)}` : ""}${field.description ? `    # ${field.description}` : ""}`;
  const types = (answer.data?.__schema.types ?? []).filter((t) => !t.name.startsWith("__") && t.kind !== "SCALAR");
  show(types.length ? types.map((t) => `${t.name}${t.description ? `    # ${t.description}` : ""}\n${[...(t.fields ?? []), ...(t.inputFields ?? []), ...(t.enumValues ?? [])].map(line).join("\n")}`).join("\n\n") : answer);
});
// What machines ask for: /openapi.json as text, and a request of that kind, made with the page's own token.
at("machines").addEventListener("click", async () => {
  const described = await (await fetch("/openapi.json")).json();
  const meant = (part) => part?.$ref ? part.$ref.slice(2).split("/").reduce((whole, name) => whole[name], described) : part;
  const type = (schema) => schema?.$ref?.split("/").pop() ?? (schema?.items ? `[${type(schema.items)}]` : schema?.enum?.join(" | ") ?? schema?.type ?? "");
  const about = (text) => text ? `    # ${text}` : "";
  const of = (content) => Object.entries(content ?? {}).map(([kind, { schema }]) => `${kind} ${type(schema)}`.trim()).join(", ");
  const operation = (path, method, { summary, description, parameters, requestBody, responses }) => [
    `${method.toUpperCase()} ${path}${about(summary)}`,
    description && `  # ${description}`,
    ...(parameters ?? []).map(meant).map((p) => `  ${p.in} ${p.name}${p.required ? "!" : ""}: ${type(p.schema)}${about(p.description)}`),
    requestBody && `  body ${of(requestBody.content)}`,
    ...Object.entries(responses).map(([status, response]) => `  ${status} ${of(meant(response).content)}${about(meant(response).description)}`),
  ].filter(Boolean).join("\n");
  const schema = ([name, { description, properties, required }]) => `${name}${about(description)}\n` +
    Object.entries(properties ?? {}).map(([field, s]) => `  ${field}${required?.includes(field) ? "!" : ""}: ${type(s)}${about(s.description)}`).join("\n");
  const paths = Object.entries(described.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, o]) => operation(path, method, o)));
  show([described.info.description, ...paths, ...Object.entries(described.components.schemas).map(schema)].join("\n\n"));
});
at("machine").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [method, body] = [at("method").value, at("body").value];
  const headers = { "Accept-Language": navigator.language };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (method === "POST") Object.assign(headers, { "Content-Type": at("kind").value, "Idempotency-Key": at("key").value });
  try {
    // Of this server alone, whatever stands in the field: the token is for nobody else.
    const address = new URL(at("path").value, location.origin);
    if (address.origin !== location.origin) throw new Error(address.origin);
    const response = await fetch(address, { method, headers, body: method === "POST" ? body : undefined });
    show(`${response.status} ${response.statusText}\n\n${await response.text()}`);
  } catch (error) {
    show(String(error));
  }
});
