export { Store, type Collection } from "./store.ts";
