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
