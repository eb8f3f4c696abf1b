"""The portal's pages: a folder for each area, a module for each screen."""
