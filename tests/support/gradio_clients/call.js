// Calls every endpoint of a frontend with @gradio/client, and prints the answers as JSON.

import { Client } from "@gradio/client";

const { FRONTEND, TOKEN, REQUEST } = process.env;
const client = await Client.connect(FRONTEND, { headers: { Authorization: `Bearer ${TOKEN}` } });
const call = async (name, values) => (await client.predict(name, values)).data[0];
const answers = {
  endpoints: Object.keys((await client.view_api()).named_endpoints),
  leaderboard: await call("/leaderboard", []),
  queue: await call("/queue", []),
  reproduce: await call("/reproduce", { model: "acme" }),
  submit: await call("/submit", { model: "alice/nothing" }),
  withdraw: await call("/withdraw", { path: REQUEST }),
};
await client.submit("/queue", []).cancel();  // no door leads to that: the call goes on, and nobody is hurt
answers["after a cancelled call"] = await call("/queue", []);
console.log(JSON.stringify(answers));
process.exit(0);  // its heartbeat would keep it alive
