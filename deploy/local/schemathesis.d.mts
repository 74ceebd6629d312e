export function fetchSchemathesis(): Promise<readonly string[]>;
