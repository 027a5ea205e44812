// Questions to a JobManager whose answers come late: a program has to be planned first. They are asked beside the passes over a job, and a pass looks whether
// there is an answer by now. In memory only: asked again, the same question has no other effect.
import { idOf, type ObjectKey } from '../api/object.ts';
import type { SubmissionAnswer } from '../engine-client/flink/submission.ts';

/** Milliseconds before a question is asked again that got no answer. */
const ASKED_AGAIN = 1_000;

/** Milliseconds that an answer may take. */
export const SUBMISSION_LIMIT = 120_000;

/** Subjects, by job: whether its next program can be run, and that it is. */
export const planOf = (key: ObjectKey): string => `${idOf(key)}/plan`;
export const runOf = (key: ObjectKey): string => `${idOf(key)}/run`;

/** Each JobManager is asked by itself. */
export const submissionOf = ({ epoch, jobId }: { epoch: number; jobId: string }): string => `${epoch}/${jobId}`;

interface Asked {
  key: string;
  /** Null: it is waited for. */
  answer: SubmissionAnswer | null;
  /** Milliseconds since the epoch. */
  answeredAt: number;
}

export class Submissions {
  private readonly now: () => number;
  /** By job and kind of question: the last one. */
  private readonly asked = new Map<string, Asked>();

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** `subject`: what is asked of whom. `key`: which question it is; another one takes its place. Asks, unless that is done already. */
  ask(subject: string, key: string, question: () => Promise<SubmissionAnswer>): void {
    if (!this.isDue(subject, key)) return;
    const asked: Asked = { key, answer: null, answeredAt: 0 };
    this.asked.set(subject, asked);
    question()
      .catch((error: unknown): SubmissionAnswer => ({ kind: 'Unreachable', message: String(error) }))
      .then((answer) => Object.assign(asked, { answer, answeredAt: this.now() }))
      .catch(() => undefined);
  }

  /** Whether `ask` would ask. */
  isDue(subject: string, key: string): boolean {
    const before = this.asked.get(subject);
    if (before?.key !== key) return true;
    const { answer, answeredAt } = before;
    return answer?.kind === 'Unreachable' && this.now() >= answeredAt + ASKED_AGAIN;
  }

  /** Null: there is none, or not yet. */
  answer(subject: string, key: string): SubmissionAnswer | null {
    const asked = this.asked.get(subject);
    return asked?.key === key ? asked.answer : null;
  }

  forget(...subjects: string[]): void {
    for (const subject of subjects) this.asked.delete(subject);
  }
}
