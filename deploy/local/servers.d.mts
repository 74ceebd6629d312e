/** Gets the named servers side by side. @returns one line for each that cannot be had here */
export function getServers(names?: readonly string[]): Promise<string[]>;
