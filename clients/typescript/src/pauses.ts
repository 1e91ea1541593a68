// How long to wait before another try: longer each time, and never all clients at the same moment.

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** Milliseconds, drawn evenly from 0 to first × 2 ^ tries. */
export function pauseAfter(tries: number, firstMs = FIRST_MS, longestMs = LONGEST_MS): number {
  return Math.random() * Math.min(longestMs, firstMs * 2 ** Math.min(tries, 20));
}

/** Wait, or until the signal says stop. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
