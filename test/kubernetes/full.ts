// Whether the tests that take a suite past its time run too: `npm run test:cluster -- --full`.

export const full = process.env['FLOWJOB_FULL'] === '1';
