export type { Resolve } from './destination.ts';
export { firstAccepting } from './first-accepting.ts';
export { terminalNotifier } from './terminal-notifier.ts';
export { visible } from './visible.ts';
export { type WebhookOptions, webhookNotifier } from './webhook-notifier.ts';
