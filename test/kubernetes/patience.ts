// For tests that name no limit of their own: a machine that other work slows down is no reason to fail.
jest.setTimeout(240_000);
