import type { LaunchOptions, LocalServer } from './server.mjs';

export interface PrometheusServer extends LocalServer {
  readonly url: string;
}

export interface PrometheusOptions extends LaunchOptions {
  /** The text of prometheus.yml, in which PORT stands for its own port. */
  readonly config?: string;
}

export function fetchPrometheus(): Promise<{
  readonly paths: { readonly prometheus: string; readonly promtool: string };
  /** What the programs need in their environment. */
  readonly env: Readonly<Record<string, string>>;
}>;
export function startPrometheus(options?: PrometheusOptions): Promise<PrometheusServer>;
