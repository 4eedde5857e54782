//! The words by which files, JSON and the command line name the values of an enum.

/// Declares the words of an enum, in the order in which messages list them.
macro_rules! words {
    ($type:ident { $($value:ident: $word:literal),* $(,)? }) => {
        impl $type {
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$value),*];
            /// Each word with its value.
            pub const WORDS: [(&str, Self); [$($word),*].len()] = [$(($word, Self::$value)),*];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word),*
                }
            }
        }
    };
}

pub(crate) use words;
