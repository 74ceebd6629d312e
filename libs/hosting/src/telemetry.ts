export { ChainAt, SettingsInvalid, TelemetrySettings, readSettings } from './config.ts';
export { Metrics } from './metrics.ts';
export { startTracing, traceFold } from './tracing.ts';
