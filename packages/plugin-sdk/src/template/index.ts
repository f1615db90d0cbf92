export { pluginTemplate, type TemplateOptions } from "./plugin-template.ts";
export { pluginKinds } from "../points.ts";
