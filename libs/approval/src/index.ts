export { type ShownFact, shownFacts, visibleText } from './domain/question.ts';
