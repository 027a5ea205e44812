import type { SubmissionAnswer } from '../engine-client/flink/submission.ts';
import { Submissions } from './submissions.ts';

/** Questions that are answered by hand. */
function questions() {
  const answers: ((answer: SubmissionAnswer | Error) => void)[] = [];
  const ask = async (): Promise<SubmissionAnswer> =>
    new Promise((resolve, reject) =>
      answers.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer))),
    );
  return { answers, ask };
}

const settled = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a question is asked once, and its answer is there when it has come', async () => {
  const submissions = new Submissions();
  const { answers, ask } = questions();
  submissions.ask('a', '1', ask);
  submissions.ask('a', '1', ask);
  expect(answers).toHaveLength(1);
  expect(submissions.answer('a', '1')).toBeNull();
  answers[0]!({ kind: 'Refused', message: 'no' });
  await settled();
  submissions.ask('a', '1', ask);
  expect(answers).toHaveLength(1);
  expect(submissions.answer('a', '1')).toEqual({ kind: 'Refused', message: 'no' });
});

test('one that nobody answered is asked again after a while, and so is one that could not be asked', async () => {
  let now = 0;
  const submissions = new Submissions(() => now);
  const { answers, ask } = questions();
  for (const unanswered of [{ kind: 'Unreachable', message: 'no answer' } as const, new Error('no such host')]) {
    submissions.ask('a', '1', ask);
    answers.at(-1)!(unanswered);
    await settled();
    const asked = answers.length;
    submissions.ask('a', '1', ask);
    expect(answers).toHaveLength(asked);
    now += 1_000;
  }
  submissions.ask('a', '1', ask);
  expect(answers).toHaveLength(3);
});

test('another question takes the place of the one before it, whose answer counts no more', async () => {
  const submissions = new Submissions();
  const { answers, ask } = questions();
  submissions.ask('a', '1', ask);
  submissions.ask('a', '2', ask);
  answers[0]!({ kind: 'Refused', message: 'of the first' });
  await settled();
  expect([submissions.answer('a', '1'), submissions.answer('a', '2')]).toEqual([null, null]);
  submissions.forget('a');
  expect(submissions.isDue('a', '2')).toBe(true);
});
