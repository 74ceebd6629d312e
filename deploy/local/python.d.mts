export function fetchPython(requirements: string): Promise<string>;
