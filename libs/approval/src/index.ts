export { type ShownFact, shownFacts } from './domain/question.ts';
