// A client of AURORA_LIFE: a Session makes requests, and session.listen() hears what happens.
export { ApiError, AuroraClientError, LoginRequiredError } from "./errors.js";
export { Live } from "./live.js";
export type { ListenOptions } from "./live.js";
export type * from "./messages.js";
export { Session } from "./session.js";
export type { SessionOptions, Tokens } from "./session.js";
