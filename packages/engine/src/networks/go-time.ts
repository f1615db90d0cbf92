/** A time as Go prints it: RFC 3339 in UTC with nanoseconds (JavaScript knows milliseconds; the rest is zeros). */
export function goTime(date: Date): string {
  return date.toISOString().replace("Z", "000000Z");
}
