//! view (under construction).
