// Listens as the options on the command line say, and writes a line of JSON for each thing that happens.
const { dist, baseUrl, tokens, login, listen, slowMs, logOutAfter } = JSON.parse(process.argv[2]);
const { Session } = await import(`${dist}/index.js`);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const onTokens = (pair) => say({ tokens: pair });

try {
  const session = login
    ? await Session.logIn(baseUrl, login.username, login.password, { onTokens })
    : new Session(baseUrl, tokens, { onTokens });
  if (logOutAfter === undefined) say({ page: await session.request("/api/v1/events") });
  const live = session.listen({ pausesMs: { first: 50, longest: 300 }, ...listen });
  process.stdin.once("data", () => live.close());
  let heard = 0;
  for await (const message of live) {
    say({ message });
    if (slowMs) await new Promise((resolve) => setTimeout(resolve, slowMs));
    if (++heard === logOutAfter) await session.request("/api/v1/auth/logout", { method: "POST" });
  }
  say({ ended: true });
} catch (error) {
  say({ error: error.name, code: error.code, text: error.message });
}
process.exit(0);
