import type { EventMessage } from "@pouchcontainer/api";

/** Docker's `filters` query: key → values, any of which must match, of labels all; every key must. */
export type EventFilters = Record<string, string[]>;

/** Actions that carry a text after a colon: a filter names them without it. */
const actionsWithText = ["health_status", "exec_create", "exec_start", "exec_die"];

/** Whether an event passes `docker events --filter` (Engine API, `/events`). */
export function matchesFilters(event: EventMessage, filters: EventFilters): boolean {
  return Object.entries(filters).every(([key, values]) => {
    const passes = (value: string): boolean => matches(event, key, value);
    return values.length === 0 || (key === "label" ? values.every(passes) : values.some(passes));
  });
}

function matches(event: EventMessage, key: string, value: string): boolean {
  const { ID: id, Attributes: attributes } = event.Actor;
  switch (key) {
    case "type":
      return event.Type === value;
    case "event":
      return event.Action === value || (actionsWithText.includes(value) && event.Action.startsWith(`${value}:`));
    case "scope":
      return event.scope === value;
    case "label":
      return matchesLabel(attributes, value);
    case "image":
      return matchesImage(event, value);
    case "container":
    case "volume":
    case "network":
    case "daemon":
    case "plugin":
      return event.Type === key && (id.startsWith(value) || (attributes["name"] ?? "").startsWith(value));
    default:
      return false;
  }
}

function matchesLabel(attributes: Record<string, string>, value: string): boolean {
  const at = value.indexOf("=");
  return at === -1 ? Object.hasOwn(attributes, value) : attributes[value.slice(0, at)] === value.slice(at + 1);
}

function matchesImage(event: EventMessage, value: string): boolean {
  const name = event.Actor.Attributes[event.Type === "image" ? "name" : "image"];
  if (event.Actor.ID === value || name === value) return true;
  return name !== undefined && withoutTag(name) === value;
}

function withoutTag(name: string): string {
  const colon = name.lastIndexOf(":");
  return colon > name.lastIndexOf("/") ? name.slice(0, colon) : name;
}
