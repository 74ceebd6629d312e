export { engineInProcess } from './engine.ts';
export { type ClickHouseOptions, openEventStore } from './event-store.ts';
export { applyTables, planTables } from './migrate.ts';
