import type { LaunchOptions, LocalServer } from './server.mjs';

export interface VaultServer extends LocalServer {
  readonly url: string;
  /** The root token. */
  readonly token: string;
}

export function fetchVault(): Promise<string>;
/** In its development mode: in memory, so that a restart has forgotten everything. */
export function startVault(options?: LaunchOptions): Promise<VaultServer>;
