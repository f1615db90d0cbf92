export { pluginTemplate, templateLanguages, type TemplateLanguage, type TemplateOptions } from "./plugin-template.ts";
export { pluginKinds } from "../points.ts";
