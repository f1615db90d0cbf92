import type { Change, Database } from "./database.ts";
import type { HomeMarker } from "./home-marker.ts";
import { containersCollection, readCopies } from "./record-copies.ts";

/**
 * After a restored backup, or when the database lost its last transactions: what lies beside it is newer. Records it has are
 * brought up to date and networks, volumes and plugins it lost are taken in again, since nothing is lost by that. Containers it does not know are
 * left to be found as orphans: whether they are to come back is the operator's to say.
 */
export function reconcile(
  database: Database,
  marker: HomeMarker | undefined,
  warn: (message: string, fields?: Record<string, unknown>) => void,
): void {
  if (marker === undefined || marker.sequence <= database.sequence) return;
  const known = new Set([...database.rows()].map(({ collection, id }) => `${collection}/${id}`));
  const newer = readCopies(database.home, (path, error) =>
    warn("a record beside the store cannot be read", { path, error: String(error) }),
  ).filter(({ sequence }) => sequence > database.sequence);
  const taken = newer.filter(({ collection, id }) => collection !== containersCollection || known.has(`${collection}/${id}`));
  warn("the store is older than its home directory: it was restored from a backup, or lost its last records", {
    missing: marker.sequence - database.sequence,
    takenFromBeside: taken.map(({ collection, id }) => `${collection}/${id}`),
    containersItDoesNotKnow: newer.length - taken.length,
  });
  const changes = taken.map(({ collection, id, record }): Change => ({ collection, id, json: JSON.stringify(record) }));
  database.commit(changes, Math.max(marker.sequence, ...newer.map(({ sequence }) => sequence)));
}
