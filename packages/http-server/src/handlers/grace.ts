/** The options of stop and restart as the backend takes them. */
export function grace(query: { signal?: string; t?: number }): { signal?: string; timeoutSeconds?: number } {
  return { ...(query.signal ? { signal: query.signal } : {}), ...(query.t === undefined ? {} : { timeoutSeconds: query.t }) };
}
