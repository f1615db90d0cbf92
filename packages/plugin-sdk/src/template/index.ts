export { pluginTemplate, type TemplateOptions } from "./plugin-template.ts";
