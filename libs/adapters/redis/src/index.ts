export { type RedisBudgetsOptions, openRedisBudgets } from './redis-budgets.ts';
export { checkRedis } from './check.ts';
