"""Who is let in: sessions, the cookies that hold them, and what slows down those who guess."""
