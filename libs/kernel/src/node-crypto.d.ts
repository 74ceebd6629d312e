/** The pure program has no Node typings; this is the one function of the platform it may name. */
declare module 'node:crypto' {
  export function hash(
    algorithm: 'sha256',
    data: string | Uint8Array,
    outputEncoding: 'hex',
  ): string;
}
