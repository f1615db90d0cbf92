/** Of a message as it stands in a head. Node sends no head of more than 64 KiB: it resets the call, which says nothing. */
const longest = 48 * 1024;
/** What one UTF-16 unit takes at most. */
const encodedUnit = 9;

/** A message as gRPC writes it in `grpc-message`; of one that is too long, its begin and its end. */
export function statusMessage(message: string): string {
  const encoded = encodeURIComponent(message.toWellFormed());
  if (encoded.length <= longest) return encoded;
  const part = Math.floor((longest / encodedUnit - 100) / 2);
  const left = `… (${message.length - 2 * part} characters are left out) …`;
  return encodeURIComponent(`${message.slice(0, part)} ${left} ${message.slice(-part)}`.toWellFormed());
}
