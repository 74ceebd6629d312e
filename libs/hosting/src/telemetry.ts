export { ChainAt, SettingsInvalid, TelemetrySettings } from './config.ts';
export { Metrics } from './metrics.ts';
export { startTracing, traceFold } from './tracing.ts';
