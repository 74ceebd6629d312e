export function fetchHelm(): Promise<string>;
export function fetchKubernetesValidate(): Promise<readonly [string, ...string[]]>;
