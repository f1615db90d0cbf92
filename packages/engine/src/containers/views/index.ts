export { containerPredicate, filtersImplyAll } from "./container-filters.ts";
export type { FilterFacts } from "./container-filters.ts";
export { containerInspect } from "./container-inspect.ts";
export type { InspectFacts } from "./container-inspect.ts";
export { ContainerSummaries, summaryJson } from "./container-summaries.ts";
export type { SummaryFacts } from "./container-summaries.ts";
