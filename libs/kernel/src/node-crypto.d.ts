/** The pure program has no typings of the platform; these are the pure functions of it that it may name. */
declare module 'node:crypto' {
  export function hash(
    algorithm: 'sha256',
    data: string | Uint8Array,
    outputEncoding: 'hex',
  ): string;
}

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(encoding: 'utf-8', options: { fatal: boolean });
  decode(bytes: Uint8Array): string;
}
