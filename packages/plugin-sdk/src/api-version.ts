/**
 * Version of the plugin API this package describes: its points, their arguments and the wire protocol. A new point or a new
 * optional field raises the middle number, anything that breaks a plugin the first one.
 */
export const pluginApiVersion = "1.2.0";
