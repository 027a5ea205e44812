// What is told of a program that ran to its end and started nothing.
export const NO_JOB =
  'The program came to its end without a job: a script of SQL needs an INSERT, the main method of a jar a call of execute().';
