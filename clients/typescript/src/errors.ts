// What can go wrong for good. What passes by itself is tried again and is no error.

/** Anything that this client throws itself. */
export class AuroraClientError extends Error {
  override name = "AuroraClientError";
}

/** The refresh token is used up, closed or too old: log in again. */
export class LoginRequiredError extends AuroraClientError {
  override name = "LoginRequiredError";
}

/** The API has refused. `code` is stable (see docs/api.md), the message is for people. */
export class ApiError extends AuroraClientError {
  override name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly retryAfterSeconds = 0,
  ) {
    super(`${status} ${code}: ${detail}`);
  }

  static async of(answer: Response): Promise<ApiError> {
    const problem = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string };
    const wait = Number(answer.headers.get("Retry-After") ?? 0);
    return new ApiError(answer.status, problem.code ?? "", problem.detail ?? "no details", wait || 0);
  }
}
