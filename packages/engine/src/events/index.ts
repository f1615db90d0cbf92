export { EventBus, type EventBusOptions, type EventInput, type EventPublisher } from "./event-bus.ts";
export { type EventFilters } from "./event-filters.ts";
export { stateChanges, type StateChange } from "./state-changes.ts";
