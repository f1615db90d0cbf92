/** An event as the API writes it. */
interface Event {
  Type: string;
  Action: string;
  Actor: { ID: string };
}

/** Events by what they are, so that one too many does not shift those after it, and the order of those both engines have. */
export interface EventTable {
  events: Record<string, unknown>;
  order: Record<string, string[]>;
}

/** The events of two engines, with names in place of ids, ready to be compared field by field. */
export function eventTables(ours: unknown[], theirs: unknown[]): [EventTable, EventTable] {
  const [our, their] = [keyed(ours), keyed(theirs)];
  return [tableOf(our, their), tableOf(their, our)];
}

function tableOf(events: Map<string, Event>, others: Map<string, Event>): EventTable {
  const shared = [...events].filter(([key]) => others.has(key));
  const order = Object.groupBy(shared, ([, { Type }]) => Type);
  return {
    events: Object.fromEntries(events),
    order: Object.fromEntries(Object.entries(order).map(([type, list = []]) => [type, list.map(([key]) => key)])),
  };
}

/** `volume create data`, the second of its kind with `#2`. */
function keyed(events: unknown[]): Map<string, Event> {
  const found = new Map<string, Event>();
  // What a daemon's event stream holds; a field that is missing shows in the comparison.
  for (const event of events as Event[]) {
    const name = [event.Type, event.Action, event.Actor.ID].filter((word) => word !== "").join(" ");
    let key = name;
    for (let count = 2; found.has(key); count++) key = `${name} #${count}`;
    found.set(key, event);
  }
  return found;
}
