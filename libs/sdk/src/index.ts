export { type Price, askPrice } from './ask-price.ts';
export {
  type AnswerOf,
  type CallOf,
  type ClientOptions,
  CountersignClient,
  type ProposeOptions,
} from './client.ts';
export {
  AwaitingApproval,
  CountersignError,
  type CountersignErrorParts,
  GovernedPaymentError,
  type GovernedPaymentErrorParts,
  PaymentDenied,
  PaymentStopped,
  PaymentUnresolved,
} from './errors.ts';
export { type GovernedFetchOptions, governedFetch, paymentOf } from './governed-fetch.ts';
export { type GovernedPaymentOptions, governedScheme } from './governed-scheme.ts';
export { resourceOfRequest } from './purchase.ts';
export type { PaymentView, ProposeBody, RouteName } from '@countersign/contracts';
