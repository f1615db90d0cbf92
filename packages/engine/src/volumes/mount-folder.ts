/**
 * From where relative paths in a volume's options lead, whatever folder the daemon was started in: dockerd's own, under systemd. So what was
 * judged is what is mounted.
 */
export const mountFolder = "/";
