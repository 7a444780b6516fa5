// PostGraphile over the peer's tables, on a port of its own: `server.mjs <connection string> <port>`.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// It is installed where this is run, not where this is.
const require = createRequire(join(process.cwd(), "package.json"));
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const { postgraphile } = await load("postgraphile");
const { PostGraphileAmberPreset } = await load("postgraphile/presets/amber");
const { makePgService } = await load("postgraphile/adaptors/pg");
const { grafserv } = await load("postgraphile/grafserv/node");

const [connectionString, port] = process.argv.slice(2);
const pgl = postgraphile({
  extends: [PostGraphileAmberPreset.default ?? PostGraphileAmberPreset],
  pgServices: [makePgService({ connectionString, schemas: ["peer"], poolConfig: { max: 8 } })],
  grafast: { explain: false },
  grafserv: { graphiql: false, watch: false, dangerouslyAllowAllCORSRequests: false },
});
const serving = pgl.createServ(grafserv);
const server = createServer();
await serving.addTo(server);
server.listen(Number(port), "127.0.0.1", () => console.log("ready"));
