export { type RedisBudgetsOptions, openRedisBudgets } from './redis-budgets.ts';
